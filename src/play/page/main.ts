/** The page, and in a worker the engine: one program, so that the file has it once. */
import { Play } from './play.js';
import { serve } from './serve.js';

if (typeof document === 'undefined') serve();
else new Play().start();
