import { setFlagsFromString } from 'node:v8';
import { runProcess } from '@carillon/runtime/process';
import { start } from './service.ts';

// Left to itself V8 lets the heap double before it looks for garbage. Ours is mostly connections, which stay: with 10,000 of
// them that would be 2 kB more for each. At 25 % its pauses were felt (docs/performance.md).
setFlagsFromString('--heap-growing-percent=60');

await runProcess([start]);
