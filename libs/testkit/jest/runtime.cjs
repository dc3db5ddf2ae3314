// Runs a test file as Node runs any program, instead of in a sandbox of its own. A sandbox loads every module anew,
// Fastify, pg and NATS too, which took more than a second a file; here they are loaded once a worker.
// What a test imports from test folders is its own; the modules of src and of packages are shared by the files of a
// worker, as they keep no state. A test that changes a global puts it back.

const { readFileSync, writeFileSync } = require('node:fs');
const { register } = require('node:module');
const { join } = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { default: Runtime } = require('jest-runtime');
const { compile } = require('./compile.cjs');

register(pathToFileURL(join(__dirname, 'typescript.mjs')));

let filesRun = 0;

/** Maps are made for the files that a stack names, when it does. */
const sourceMaps = {
  paths: new Map(),
  get(generated) {
    if (!/^file:.*\.ts(\?|$)/.test(generated)) return undefined;
    const file = fileURLToPath(generated);
    if (!sourceMaps.paths.has(file)) {
      const path = join(process.env.CARILLON_TEST_RUN, `${process.pid}-${sourceMaps.paths.size}.map`);
      writeFileSync(path, compile(readFileSync(file, 'utf8'), file).map);
      sourceMaps.paths.set(file, path);
    }
    return sourceMaps.paths.get(file);
  },
  [Symbol.iterator]: () => [][Symbol.iterator](),
};

class NativeRuntime extends Runtime {
  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(path) {
    filesRun += 1;
    globalThis[Symbol.for('carillon.test.globals')] = this.jestGlobals.cjsGlobals(path);
    await import(`${pathToFileURL(path).href}?run=${filesRun}`);
  }

  /** Of jest's own modules only the one that holds the tests of a file is asked for, new for each file. */
  requireInternalModule(path) {
    for (const key of Object.getOwnPropertySymbols(globalThis)) {
      if (['JEST_STATE_SYMBOL', 'EVENT_HANDLERS'].includes(key.description)) delete globalThis[key];
    }
    delete require.cache[path];
    return require(path);
  }

  installGetBuiltinModule() {}

  getSourceMaps() {
    return sourceMaps;
  }
}

module.exports = NativeRuntime;
