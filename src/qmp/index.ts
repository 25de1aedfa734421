/** QMP for programs: `import { connectQmp, measureGuest, serveQmp } from 'migsim/qmp'`. */
export { parseQmpAddress, type QmpAddress, qmpAddressText } from './address.js';
export {
  connectQmp,
  type QmpClient,
  QmpCommandError,
  QmpConnectionError,
  type QmpConnectOptions,
  type QmpEvent,
  type QmpVersion,
} from './client.js';
export type { CalcOptions, MeasurePlan, Reading } from './measure/calc.js';
export { type Danger, dangers, type DirtyRateMode, type GuestSituation } from './measure/dangers.js';
export type { GuestFacts } from './measure/facts.js';
export { type GuestMeasurement, measureGuest, type MeasureOptions } from './measure/measure.js';
export type { RamBlock } from './measure/ram-blocks.js';
export { measuredScenario, type MeasuredScenarioOptions } from './measure/scenario.js';
export { type QmpServer, serveQmp, type ServeQmpOptions } from './serve/serve.js';
export type { RecordEnd, RecordHeader, RecordLine } from '../formats/record.js';
export {
  type MigrateReply,
  type Recorded,
  type RecordedSettings,
  recordMigration,
  type RecordOptions,
} from './record/record.js';
export { RemainingPredictor, type RemainingTime } from './record/remaining.js';
