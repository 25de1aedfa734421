/** QMP for programs: `import { connectQmp } from 'migsim/qmp'`. */
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
