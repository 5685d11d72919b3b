#!/usr/bin/env node
// The command `mudpt-launch`.
import { launch } from './launch.mjs';

launch(process.argv.slice(2));
