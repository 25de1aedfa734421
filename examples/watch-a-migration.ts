// A policy of one's own, typed: write down what query-migrate would show, and cancel when it gets worse.
import { choosePolicy, chooseStrategy, definePolicy, loadScenario, simulate, type Controls } from 'migsim';

const log: string[] = [];

const watch = definePolicy({
  name: 'watch',
  summary: 'cancel a migration that has more to send than two seconds ago',
  source: 'examples/watch-a-migration.ts',
  rule: 'query-migrate is asked every two seconds; when remaining has grown, the migration is cancelled.',
  options: { patience: { kind: 'count', min: 1, default: 3, summary: 'times that it waits before it is' } },
  start({ patience }, migration: Controls) {
    let before = Infinity;
    let worse = 0;
    const timer = migration.every(2000, () => {
      const { remainingBytes, totalTimeMs } = migration.stats();
      log.push(`${Math.round(totalTimeMs / 1000)} s: ${Math.round(remainingBytes / 2 ** 20)} MiB remain`);
      worse = remainingBytes > before ? worse + 1 : 0;
      before = remainingBytes;
      if (worse < patience) return;
      timer.cancel();
      migration.cancel(`remaining grew ${worse} times in a row`);
    });
  },
});

const [file = 'scenarios/readers-and-writers.yaml'] = process.argv.slice(2);
const result = simulate(loadScenario(file), chooseStrategy('auto-converge'), {
  policy: choosePolicy(watch),
  memory: 'fluid',
});
console.log(log.join('\n'));
console.log(`${result.status} after ${(result.totalTimeMs / 1000).toFixed(1)} s`);
