// Evaluate, submit, wait and read, from Node 18 or newer: its own fetch, and no package. See docs/gateway.md.
//   GATEWAY=http://127.0.0.1:8080 [TOKEN=…] node examples/gateway.mjs
import { readFile } from "node:fs/promises";

const gateway = process.env.GATEWAY ?? "http://127.0.0.1:8080";
const token = process.env.TOKEN;

/** The answer to a request; a problem is thrown, with its stable code. */
async function call(path, body, headers = {}) {
    // What can pass by itself is tried again: with a key, it is the same job however often it is sent.
    for (let tries = 1; ; tries++) {
        const answer = await fetch(gateway + path, {
            method: body === undefined ? "GET" : "POST",
            body: body === undefined ? undefined : JSON.stringify(body),
            headers: { ...(token && { Authorization: `Bearer ${token}` }), ...headers },
        });
        if (answer.ok) return await answer.json();
        const problem = await answer.json();
        const pause = Number(answer.headers.get("Retry-After"));
        if (!pause || tries === 5) throw new Error(`${problem.code}: ${problem.detail}`);
        await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
}

const facts = JSON.parse(await readFile(new URL("order.json", import.meta.url), "utf8"));

// Judged now: the answer is the verdict, and the job is on record with it.
const verdict = await call("/v1/payment/evaluate", { key: "node-1", facts });
console.log(verdict.outcome, verdict.fired.join(", "));

// Several at once, without a record.
const { verdicts } = await call("/v1/payment/evaluate?durable=false", { subjects: [{ facts }, { facts }] });
console.log(verdicts.map((each) => each.outcome).join(", "));

// Judged by a worker.
const job = await call("/v1/payment/jobs", { facts }, { "Idempotency-Key": "node-2" });
let told;
do told = await call(`/v1/jobs/${job.id}?wait=25`);
while (told.state === "open");
console.log(told.state, told.verdict?.outcome);

// What is on record of it, newest first.
const page = await call("/v1/verdicts?domain=payment&subject=node-2");
console.log(page.verdicts.map((each) => each.id === job.id).join(", "));
