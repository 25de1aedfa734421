/**
 * The policy of the page lets nothing make programs of texts, which zod would do for speed. Each schema asks when it is
 * made: this module must be imported before any that makes one.
 */
import { config } from 'zod/mini';

config({ jitless: true });
