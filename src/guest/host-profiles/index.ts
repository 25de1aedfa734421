/** The host profiles. A new one touches its own file and one line here. */
import type { HostProfile } from '../spec.js';
import { bareMetal } from './default.js';
import { recordingsTcg } from './recordings-tcg.js';
import { recordingsHost } from './recordings.js';

export const hostProfiles: Readonly<Record<string, HostProfile>> = {
  default: bareMetal,
  'recordings-host': recordingsHost,
  'recordings-tcg': recordingsTcg,
};
