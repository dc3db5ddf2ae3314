import { runProcess } from '@carillon/runtime/process';
import { start } from './service.ts';

await runProcess([start]);
