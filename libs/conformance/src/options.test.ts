import { expect, test } from '@jest/globals';
import { readOptions, usage } from './options.ts';
import { targetOf } from './target.ts';

test('a url and a token are enough, and both schemes mean the same', () => {
  for (const url of ['ws://localhost:8080', 'http://localhost:8080/']) {
    const options = readOptions(['--url', url, '--token', 'a.b.c', '--ward', 'w1', '--operator-token', 'd.e.f']);
    expect(options.url.href).toBe('http://localhost:8080/');
    expect(options).toMatchObject({ token: 'a.b.c', isDev: false, isJson: false, neighbourMs: 1_000 });
    expect(options.given).toEqual({ ward: 'w1', operatorToken: 'd.e.f' });
  }
  expect(readOptions(['--url', 'wss://gateway.example', '--dev', '--json']).url.protocol).toBe('https:');
});

test.each([
  [['--token', 'x'], '--url'],
  [['--url', 'nowhere', '--token', 'x'], '--url'],
  [['--url', 'ftp://host', '--token', 'x'], '--url'],
  [['--url', 'ws://host'], '--token or --dev'],
  [['--url', 'ws://host', '--dev', '--neighbour-ms', 'x'], '--neighbour-ms'],
  [['--url', 'ws://host', '--dev', '--dance'], '--dance'],
])('%j is refused by the name of what is wrong', (args, what) => {
  expect(() => readOptions(args)).toThrow(what);
});

test('every option is explained', () => {
  for (const name of ['url', 'token', 'dev', 'operator-token', 'absent-query', 'only', 'json', 'neighbour-ms']) {
    expect(usage).toContain(`--${name}`);
  }
});

test('the token must say whom it is of, and that is a member of staff', () => {
  const url = new URL('http://localhost');
  const token = (claims: unknown): string => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  const nurse = { sub: 'n1', hospital: 'h1', roles: ['nurse'] };
  expect(targetOf(url, token(nurse), {}).me).toMatchObject({ person: 'n1', hospital: 'h1' });
  for (const bad of ['', 'x', 'a.b.c', token({ ...nurse, roles: ['patient'] }), token({ ...nurse, sub: 7 })]) {
    expect(() => targetOf(url, bad, {})).toThrow('--token must have');
  }
});
