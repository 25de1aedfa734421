import { definePolicy } from '../strategies/define.js';
import { formatBytes } from '../units.js';
import { act, onPass, refusalWithoutPostcopy } from './kit/actions.js';
import { plateauBytes, type Pass } from './kit/plateau.js';

export const hybrid = definePolicy({
  name: 'hybrid',
  summary: 'go post-copy once further passes would gain next to nothing',
  source:
    'adaptive hybrid migration by a convergence factor, J. Cloud Computing 2023, 10.1186/s13677-023-00433-7; the rule is ours',
  rule: `At each bitmap sync from the third on, a power law D(τ) = c·τ^β is drawn through the last two passes: what was dirty at
their ends against how long they took. With the bandwidth B of the last pass, pre-copy would settle at B·(c/B)^(1/(1−β)) bytes
left after each pass. When that is more than plateau-share of what is left now, the migration goes over to post-copy.

Where the plateau fits into downtime-limit, pre-copy ends by itself and nothing is done. The first two passes are never
interrupted.`,
  options: {
    'plateau-share': {
      kind: 'percent',
      min: 1,
      default: 90,
      summary: 'switch when the predicted plateau exceeds this share of the remaining bytes',
    },
  },
  refuses: (_options, setup) => refusalWithoutPostcopy(setup),
  start(options, migration) {
    const share = options['plateau-share'] / 100;
    let switched = false;
    let before: Pass | null = null;
    let startUs = 0;
    let startBytes = 0;
    onPass(migration, ({ n, remainingBytes }) => {
      const nowUs = migration.nowUs();
      const { transferredBytes } = migration.stats();
      const last: Pass = { seconds: (nowUs - startUs) / 1e6, dirtiedBytes: remainingBytes };
      const bandwidth = (transferredBytes - startBytes) / last.seconds;
      startUs = nowUs;
      startBytes = transferredBytes;
      if (switched || n === 1 || bandwidth === 0) return;
      if (before !== null) {
        const plateau = plateauBytes(before, last, bandwidth);
        const fits = plateau <= (bandwidth * migration.downtimeLimitMs) / 1000;
        if (!fits && plateau > share * remainingBytes) {
          switched = true;
          const why = `${formatBytes(remainingBytes)} are left, and pre-copy would settle at ${formatBytes(plateau)}`;
          act(migration, 'postcopy', 'hybrid', why);
        }
      }
      before = last;
    });
  },
});
