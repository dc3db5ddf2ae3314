// The process itself, in place of jest's sandbox: see runtime.cjs. What tests may have changed in it is put back.

const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

class ProcessEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;
  // jest replaces both for each test file.
  #console = globalThis.console;
  #exit = process.exit;

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    const { useFakeTimers } = this.fakeTimersModern;
    // Node's own sockets and streams need it.
    this.fakeTimersModern.useFakeTimers = (options) =>
      useFakeTimers.call(this.fakeTimersModern, {
        ...options,
        doNotFake: [...(options?.doNotFake ?? []), 'nextTick'],
      });
  }

  async setup() {
    // The same histories each time: a change is judged by what it changes. Others: FC_SEED, and the soak.
    const { configureGlobal } = await import('fast-check');
    configureGlobal({ seed: Number(process.env.FC_SEED ?? 1) });
  }

  async teardown() {
    this.fakeTimersModern.dispose();
    globalThis.console = this.#console;
    process.exit = this.#exit;
  }

  exportConditions() {
    return [];
  }

  /** jest asks for it, and runs nothing in it. */
  getVmContext() {
    return null;
  }
}

module.exports = ProcessEnvironment;
