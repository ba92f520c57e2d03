# The whole program is one static binary; the image holds it, the certificates it trusts and nothing to log in to.
#
# It listens on all addresses of the container, so the configuration needs `auth`; without it the start is refused with a
# sentence that says so. Browsers ask for the host of `public_url`, or one of `allowed_hosts`.
#
#   docker build -t redrive .
#   docker run -p 8080:8080 --stop-timeout 30 -v redrive-data:/data -v "$PWD/redrive.yaml:/etc/redrive/redrive.yaml:ro" redrive
#
# With auth: {local: true} the first start prints a setup token, which makes the first account; or:
#
#   docker exec -i CONTAINER /server --config /etc/redrive/redrive.yaml user add NAME --role admin < password-file
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
# REDRIVE_LISTEN wins over `listen`; server and probe both read it. Without `auth` set it to 127.0.0.1:8080.
ENV REDRIVE_DATA=/data REDRIVE_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=6s --start-period=15s CMD ["/server", "--healthcheck"]
ENTRYPOINT ["/server"]
CMD ["--config", "/etc/redrive/redrive.yaml"]
