// Tests run on the TypeScript sources, in Node itself: libs/testkit/jest has the loader and what jest runs them with.
export default {
  roots: ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/deploy'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  transform: {},
  runtime: '<rootDir>/libs/testkit/jest/runtime.cjs',
  testEnvironment: '<rootDir>/libs/testkit/jest/environment.cjs',
  testSequencer: '<rootDir>/libs/testkit/jest/sequencer.cjs',
  globalSetup: '<rootDir>/libs/testkit/jest/setup.cjs',
  globalTeardown: '<rootDir>/libs/testkit/jest/teardown.cjs',
  // One more than the cores of the usual machine: much of what a test does is to wait.
  maxWorkers: 3,
  testTimeout: 120_000,
};
