/** `/docs`: what this gateway offers, to read and to try; everything from here, so that it works without the Internet. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { asyncApi } from '@carillon/contracts/asyncapi';
import { CodedError } from '@carillon/contracts/errors';
import {
  asyncApiRoute,
  docsAssetRoute,
  docsRoute,
  errorsPageRoute,
  openApiRoute,
  protocolPageRoute,
} from '@carillon/contracts/gateway';
import { openApi } from '@carillon/contracts/openapi';
import { commandEnvelopeSchema } from '@carillon/runtime/commands';
import { queryEnvelopeSchema } from '@carillon/runtime/queries';
import type { FastifyInstance, FastifyReply } from 'fastify';

const links = [openApiRoute, asyncApiRoute, protocolPageRoute, errorsPageRoute]
  .map(
    ({ path, description }) => `<li><a href="${path}">${path.slice('/docs/'.length)}</a> ${withCode(description)}</li>`,
  )
  .join('');
function withCode(markdown: string): string {
  return markdown.replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carillon: interface</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="stylesheet" href="/docs/assets/page.css">
</head>
<body>
<nav><ul>${links}</ul></nav>
<main id="operations"></main>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/page.js"></script>
</body>
</html>
`;

const pageScript = `SwaggerUIBundle({
  url: '${openApiRoute.path}',
  dom_id: '#operations',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false,
  validatorUrl: null,
});
`;
const pageStyle = `body { margin: 0; }
nav { font: 15px/1.5 system-ui, sans-serif; background: #f3f4f6; }
nav ul { max-width: 1420px; margin: 0 auto; padding: 12px 20px; list-style: none; }
`;

/** Swagger UI as Fastify's plugin brings it: its official package runs a tracking script when it is installed. */
const ofSwaggerUi = (name: string): (() => Promise<Buffer>) => {
  let content: Promise<Buffer> | undefined;
  return () => {
    const plugin = createRequire(import.meta.url).resolve('@fastify/swagger-ui/package.json');
    content ??= readFile(new URL(`./static/${name}`, pathToFileURL(plugin)));
    return content;
  };
};
const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';
const assets: Readonly<Record<string, { type: string; read(): Promise<Buffer | string> }>> = {
  'swagger-ui-bundle.js': { type: script, read: ofSwaggerUi('swagger-ui-bundle.js') },
  'swagger-ui.css': { type: style, read: ofSwaggerUi('swagger-ui.css') },
  'page.js': { type: script, read: () => Promise.resolve(pageScript) },
  'page.css': { type: style, read: () => Promise.resolve(pageStyle) },
};

/** The pages for people lie in the repository, and in the image beside the services. */
const folder = new URL('../../../docs/', import.meta.url);

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function send(reply: FastifyReply, type: string, body: string | Buffer): FastifyReply {
  return reply
    .headers({
      'content-type': type,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    })
    .send(body);
}

export function registerDocs(app: FastifyInstance): void {
  const documents = {
    openApi: JSON.stringify(openApi()),
    asyncApi: JSON.stringify(asyncApi({ command: commandEnvelopeSchema, query: queryEnvelopeSchema })),
  };
  const json = 'application/json; charset=utf-8';
  app.get(docsRoute.path, (_, reply) => send(reply, 'text/html; charset=utf-8', page));
  app.get(openApiRoute.path, (_, reply) => send(reply, json, documents.openApi));
  app.get(asyncApiRoute.path, (_, reply) => send(reply, json, documents.asyncApi));
  for (const { path } of [protocolPageRoute, errorsPageRoute]) {
    app.get(path, async (_, reply) => {
      const text = await readFile(new URL(path.slice('/docs/'.length), folder)).catch(() => {
        throw new CodedError('not_found', 'This installation has no such page');
      });
      return send(reply, 'text/plain; charset=utf-8', text);
    });
  }
  app.get<{ Params: { file: string } }>(docsAssetRoute.path, async (request, reply) => {
    const { file } = request.params;
    const asset = Object.hasOwn(assets, file) ? assets[file] : undefined;
    if (asset === undefined) throw new CodedError('not_found');
    return send(reply, asset.type, await asset.read());
  });
}
