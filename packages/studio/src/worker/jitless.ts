/** zod compiles no parsers here: the page's policy forbids code made of text, and trying it is reported as an error. Import this first. */
import * as z from 'zod';

z.config({ jitless: true });
