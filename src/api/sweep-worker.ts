/** A thread of a sweep: runs units of it and formats their rows. */
import { unitServer } from '../experiment/sweep/worker.js';
import { sweepTable } from '../report/terminal/sweep-table.js';

export default unitServer(sweepTable);
