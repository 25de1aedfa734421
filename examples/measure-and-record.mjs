// Measures a running guest, waits for its migration, and keeps both: guest.yaml and run.jsonl.
// node examples/measure-and-record.mjs /run/vm.sock
import { appendFileSync, writeFileSync } from 'node:fs';
import { connectQmp, measuredScenario, measureGuest, recordMigration } from 'migsim/qmp';

const [socket] = process.argv.slice(2);
if (socket === undefined) {
  console.log('Give the QMP socket of a guest, such as /run/vm.sock');
} else {
  const client = await connectQmp(socket);

  const measurement = await measureGuest(client, {
    repeats: 3,
    onReading: ({ periodMs, mibPerSecond }) => console.log(`${periodMs} ms: ${mibPerSecond} MiB/s`),
  });
  writeFileSync('guest.yaml', measuredScenario(measurement, { from: socket }));

  const { end } = await recordMigration(client, {
    from: socket,
    now: () => performance.now(),
    onLine: (line) => appendFileSync('run.jsonl', `${JSON.stringify(line)}\n`),
  });
  console.log(`The migration ${end}. Compare: migsim validate run.jsonl guest.yaml`);
  client.close();
}
