// SQS on loopback: node sqs.mjs [port]. Says its port on standard output, and ends when standard input does.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false, defaultRegion: "eu-west-1" });
// A caller that hangs up in a long poll has ended it; fauxqs would hand it the next messages, for nobody to see.
app.addHook("onSend", async (request, reply, payload) => {
	if (!request.raw.socket.destroyed || !request.headers["x-amz-target"]?.endsWith(".ReceiveMessage")) return;
	for (const { ReceiptHandle } of JSON.parse(payload).Messages ?? []) {
		const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.ChangeMessageVisibility" };
		await app.inject({ method: "POST", url: "/", headers, payload: { QueueUrl: request.body.QueueUrl, ReceiptHandle, VisibilityTimeout: 0 } });
	}
});
app.server.keepAliveTimeout = 120_000; // longer than a client keeps a connection that it does not use
await app.listen({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0) });
console.log(app.server.address().port);
process.stdin.resume().on("end", () => process.exit());
