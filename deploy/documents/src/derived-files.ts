/** Every committed file that is made from the contracts and configuration schemas, or has a part that is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncApi } from '@carillon/contracts/asyncapi';
import { natsPermissionsConf } from '@carillon/contracts/nats-permissions';
import { openApi } from '@carillon/contracts/openapi';
import { commandEnvelopeSchema } from '@carillon/runtime/commands';
import { queryEnvelopeSchema } from '@carillon/runtime/queries';
import { format, resolveConfig } from 'prettier';
import { configurationPage } from './configuration-page.ts';
import { houseDiagram } from './diagram.ts';
import { errorsPage } from './errors-page.ts';
import { replaceMarked } from './markdown.ts';
import { gatewayTable, serviceTable } from './service-tables.ts';

/** `part`: what stands between the markers of a file that people write. */
type Derived = { path: string } & ({ whole: () => string } | { part: () => string });

const envelopes = { command: commandEnvelopeSchema, query: queryEnvelopeSchema };

const derived: readonly Derived[] = [
  { path: 'docs/openapi.json', whole: () => JSON.stringify(openApi()) },
  { path: 'docs/asyncapi.json', whole: () => JSON.stringify(asyncApi(envelopes)) },
  { path: 'docs/errors.md', whole: errorsPage },
  { path: 'docs/configuration.md', whole: configurationPage },
  { path: 'docs/architecture.md', part: houseDiagram },
  { path: 'services/gateway/README.md', part: gatewayTable },
  { path: 'services/directory/README.md', part: () => serviceTable('directory') },
  { path: 'services/monitoring/README.md', part: () => serviceTable('monitoring') },
  { path: 'services/alert-escalation/README.md', part: () => serviceTable('alert-escalation') },
  { path: 'deploy/nats/permissions.conf', whole: () => natsPermissionsConf() },
];

export type DerivedFile = { path: string; committed: string | undefined; expected: string };

const isFormatted = (path: string): boolean => /\.(json|md)$/.test(path);
const note = 'Made by `npm run derive`; not to be changed by hand.';

/** What is there, and what should be. */
export function readDerivedFiles(root: string): Promise<DerivedFile[]> {
  return Promise.all(
    derived.map(async (file) => {
      const path = join(root, file.path);
      const committed = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' && 'whole' in file) return undefined;
        throw error;
      });
      const whole = 'whole' in file ? file.whole() : replaceMarked(committed ?? '', file.part(), file.path);
      const text = 'whole' in file && path.endsWith('.md') ? `<!-- ${note} -->\n\n${whole}` : whole;
      const options = { ...(await resolveConfig(path)), filepath: path };
      return { path: file.path, committed, expected: isFormatted(path) ? await format(text, options) : text };
    }),
  );
}
