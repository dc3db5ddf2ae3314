const { transformSync } = require('@swc/core');

/** Takes the types away. @returns the code and its source map */
const compile = (source, filename) =>
  transformSync(source, {
    filename,
    sourceFileName: filename,
    sourceMaps: true,
    swcrc: false,
    isModule: true,
    jsc: { target: 'es2023', parser: { syntax: 'typescript' }, transform: { verbatimModuleSyntax: true } },
  });

module.exports = { compile };
