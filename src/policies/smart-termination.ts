import { definePolicy } from '../strategies/define.js';
import { formatBytes } from '../units.js';
import { act, ACTIONS, onPass, refusalWithoutPostcopy } from './kit/actions.js';

export const smartTermination = definePolicy({
  name: 'smart-termination',
  summary: 'end pre-copy after several passes that gained too little',
  source: 'ITC-LM, NPC 2013, LNCS 8147:118-129, in its simplest form',
  rule: `At each bitmap sync from the second on, the gain of the pass is the share by which what is left has shrunk since the sync
before: (R before − R now) / R before. After rounds passes in a row that gained less than least-gain, action is taken; by
default the guest is stopped until the rest has been sent.

A pass that gains enough restarts the count. A pass after which more is left than before has a negative gain.`,
  options: {
    'least-gain': {
      kind: 'percent',
      min: 1,
      default: 5,
      summary: 'a pass counts when it reduces the remainder by less than this share',
    },
    rounds: {
      kind: 'count',
      min: 1,
      default: 3,
      summary: 'number of such passes in a row that end pre-copy',
    },
    action: {
      kind: 'choice',
      choices: ACTIONS,
      default: 'pause',
      summary: 'what to do then: abort, pause (the guest) or postcopy',
    },
  },
  refuses({ action }, setup) {
    return action === 'postcopy' ? refusalWithoutPostcopy(setup) : null;
  },
  start(options, migration) {
    const { rounds, action } = options;
    const leastGain = options['least-gain'] / 100;
    let left: number | null = null;
    let useless = 0;
    onPass(migration, ({ remainingBytes }) => {
      if (left !== null) {
        const gain = left === 0 ? 0 : (left - remainingBytes) / left;
        useless = gain < leastGain ? useless + 1 : 0;
      }
      left = remainingBytes;
      if (useless !== rounds) return;
      const why = `${rounds} passes gained less than ${options['least-gain']} % each, ${formatBytes(left)} are left`;
      act(migration, action, 'smart-termination', why);
    });
  },
});
