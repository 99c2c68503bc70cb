// Jobs that BullMQ's worker processes a second, doing nothing with them: what it is worth against
// which the leasing of reminders is held.
//
//   node bullmq.mjs MODULES SOCKET CONCURRENCY JOBS    prints the jobs a second
//
// MODULES: the node_modules with bullmq and ioredis. A job carries what a reminder's entry does: a
// clinic and an id. All jobs are queued first; time runs from the first completed to the last.
import { createRequire } from "node:module";
import path from "node:path";

const [modules, socket, concurrency, jobs] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "any.js"));
const { Queue, Worker } = require("bullmq");
const { Redis } = require("ioredis");

const connect = () => new Redis({ path: socket, maxRetriesPerRequest: null });
const setup = connect();
const queue = new Queue("bench", { connection: connect() });
await queue.waitUntilReady();
await queue.obliterate({ force: true });

// Queuing is not measured, so it need not be durable.
const [, fsync] = await setup.config("GET", "appendfsync");
await setup.config("SET", "appendfsync", "no");
const id = (i) => `3f1c9a52-7d1e-4a55-9b1f-${String(i).padStart(12, "0")}`;
for (let i = 0; i < jobs; i += 1000) {
  const count = Math.min(1000, jobs - i);
  await queue.addBulk(Array.from({ length: count }, (_, k) => (
    { name: "reminder", data: { clinic: "north", reminder: id(i + k) }, opts: { removeOnComplete: true } })));
}
await setup.config("SET", "appendfsync", fsync);

let completed = 0;
let first = 0;
let last = 0;
const worker = new Worker("bench", async () => {}, {
  connection: connect(), concurrency: Number(concurrency), autorun: false,
});
const finished = new Promise((resolve, reject) => {
  worker.on("completed", () => {
    last = performance.now();
    if (completed++ === 0) first = last;
    if (completed === Number(jobs)) resolve();
  });
  worker.on("failed", (_, error) => reject(error));
  worker.on("error", reject);
});
worker.run().catch(() => {});
await finished;
console.log(((completed - 1) / (last - first) * 1000).toFixed(1));
process.exit(0);
