// DynamoDB on loopback: node dynamodb.mjs [port]. Says its port on standard output, and ends when standard input does.
import dynalite from "dynalite";

process.env.AWS_REGION = "eu-west-1"; // in the ARNs of tables
const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
// dynalite throws, and so ends, when a caller hangs up in the middle of a request.
server.on("request", (request) => request.removeAllListeners("error").on("error", () => {}));
server.keepAliveTimeout = 120_000; // longer than a client keeps a connection that it does not use
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit());
