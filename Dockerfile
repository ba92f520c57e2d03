# The whole program is one static binary; the image holds it, the certificates it trusts and nothing to log in to.
#
# Until there is access control the server listens on loopback only, which in a container is the container's own.
# So for now run it in the host's network namespace, and reach it from elsewhere through a tunnel or a proxy on the host:
#
#   docker build -t redrive .
#   docker run --network host --stop-timeout 30 -v redrive-data:/data -v "$PWD/redrive.yaml:/etc/redrive/redrive.yaml:ro" redrive
#
# --stop-timeout: attempts in flight are given 20 seconds to end, Docker would kill after 10.
# Check a configuration first with: docker run --rm -v ... redrive --config /etc/redrive/redrive.yaml --check

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /image/server ./cmd/server
RUN mkdir -p /image/etc/redrive /image/etc/ssl/certs \
 && mkdir -m 700 /data \
 && mkdir -m 1777 /image/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && echo 'redrive:x:65532:65532:Redrive:/data:/sbin/nologin' > /image/etc/passwd \
 && echo 'redrive:x:65532:' > /image/etc/group

FROM scratch
COPY --from=build /image/ /
# A new volume takes over this folder's owner and mode; a folder of the host has to belong to 65532 already.
# It is copied where there is none: a COPY leaves the owner of a folder that is there as it is.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
# REDRIVE_DATA wins over embedded.path of the file, so that rows always land in the volume.
ENV REDRIVE_DATA=/data
VOLUME /data
EXPOSE 8080
# Asks the default address. With another `listen` set REDRIVE_LISTEN instead, which server and probe both read.
HEALTHCHECK --interval=15s --timeout=6s --start-period=15s CMD ["/server", "--healthcheck"]
ENTRYPOINT ["/server"]
CMD ["--config", "/etc/redrive/redrive.yaml"]
