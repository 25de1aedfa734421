/** The page, and in a worker the engine: one program, so that the file has it once. */
import { config } from 'zod';
import { Play } from './play.js';
import { serve } from './serve.js';

// The policy of the page lets nothing make programs of texts, which zod would do for speed.
config({ jitless: true });

if (typeof document === 'undefined') serve();
else new Play().start();
