import { configSchema as escalationConfig } from '@carillon/alert-escalation/config';
import { configSchema as directoryConfig } from '@carillon/directory/config';
import { configSchema as gatewayConfig } from '@carillon/gateway/config';
import { launchConfig, usage } from '@carillon/local/options';
import { configSchema as monitoringConfig } from '@carillon/monitoring/config';
import { commonConfig, type AnySetting, type ConfigSchema } from '@carillon/runtime/config';
import { processConfig } from '@carillon/runtime/process';
import { code, table } from './markdown.ts';

type Section = { title: string; words: string; schema: ConfigSchema };

const sections: readonly Section[] = [
  {
    title: 'Every service',
    words: 'The gateway has no database and reads no `DATABASE_URL`.',
    schema: commonConfig,
  },
  {
    title: 'Every process',
    words: 'Health, readiness and metrics; never to be reached from outside.',
    schema: processConfig,
  },
  { title: '`gateway`', words: 'Beside those of every service.', schema: gatewayConfig },
  { title: '`directory`', words: 'Beside those of every service.', schema: directoryConfig },
  { title: '`monitoring`', words: 'Beside those of every service.', schema: monitoringConfig },
  { title: '`alert-escalation`', words: 'Beside those of every service.', schema: escalationConfig },
  {
    title: '`npm start`',
    words: `One machine with everything in one process. All other variables go to the services as they are; these have
defaults of their own here. \`NATS_SERVER_BIN\` names a nats-server to run instead of the one on the PATH.

\`${usage.replace('Usage: ', '')}\` plays recordings into p1, p2, … instead of the simulator.`,
    schema: launchConfig,
  },
];

function defaultOf(setting: AnySetting): string {
  if (setting.default === undefined) return 'required';
  if (setting.type === 'switch') return code(setting.default ? 'on' : 'off');
  const text = String(setting.default);
  return text === '' ? 'empty' : code(text);
}

function valuesOf(setting: AnySetting): string {
  switch (setting.type) {
    case 'switch':
      return 'on, off';
    case 'number': {
      const { min, max } = setting;
      if (min === undefined) return max === undefined ? 'number' : `number to ${max}`;
      return max === undefined ? `number from ${min}` : `number from ${min} to ${max}`;
    }
    case 'list':
      return 'list, by commas';
    case 'string':
      if (setting.oneOf !== undefined) return setting.oneOf.join(', ');
      return setting.minLength === undefined ? 'text' : `text of at least ${setting.minLength} characters`;
  }
}

const sectionText = ({ title, words, schema }: Section): string => `## ${title}

${words}

${table(
  ['Variable', 'For', 'Values', 'Default'],
  Object.entries<AnySetting>(schema).map(([name, setting]) => [
    code(name),
    `${setting.description}${setting.secret === true ? ' (**secret**)' : ''}`,
    valuesOf(setting),
    defaultOf(setting),
  ]),
)}`;

export const configurationPage = (): string => `# Configuration

Everything is set by environment variables. Any of them may be given as a file instead, under its name with \`_FILE\`:
\`CARILLON_JWT_SECRET_FILE=/run/secrets/jwt\`. Give what is **secret** in that way; it is never shown in a log or an error. A
service whose configuration is wrong names everything that is wrong, in one line, and exits with 1.

${sections.map(sectionText).join('\n\n')}
`;
