import tseslint from 'typescript-eslint';

/** From top to bottom: a folder or file of src imports only from those after it. test/architecture.test.ts says it in full. */
const LAYERS = [
  'cli',
  'play',
  'api',
  'report',
  'qmp',
  'advice',
  'experiment',
  'scenario',
  'recording',
  'formats',
  'policies',
  'strategies',
  'migration',
  'guest',
  'stats',
  'random',
  'options',
];

/** Hot code, which Jest slows a hundredfold when it looks up a global in a function. */
const HOT = ['src/migration/**', 'src/guest/**', 'src/random/**', 'src/stats/**'];

/** Arithmetic within bounds that it has checked itself, entry by entry: only here does `!` say so. */
const KERNELS = [
  'src/guest/memory/**',
  'src/guest/{content,dirty-curve,guest,phases,variability,work-history}.ts',
  'src/migration/parts/**',
  'src/migration/observe/vcpu-results.ts',
  'src/migration/rules/xbzrle.ts',
  'src/random/{distributions,zipf}.ts',
  'src/stats/{nnls,summary,interval}.ts',
  'src/strategies/kit/restraint-law.ts',
  'src/experiment/sweep/samples.ts',
];

/** Every value of a spread goes onto the stack, which overflows at some 100,000. */
const SPREAD_ARGUMENTS = ['property.name', 'name'].map((name) => ({
  selector: `CallExpression[callee.${name}=/^(max|min|hypot|push|unshift|concat|splice|fromCharCode)$/] > SpreadElement`,
  message:
    'A long list overflows the stack: use largest() or smallest() of src/stats/extremes.ts, or a loop.',
}));

/** A time limit is the last argument of a test and of what runs before or after it. */
const TIME_LIMITS = [
  'CallExpression[callee.name="test"][arguments.length>2]',
  'CallExpression[callee.callee.property.name="each"][arguments.length>2]',
  'CallExpression[callee.name=/^(before|after)(All|Each)$/][arguments.length>1]',
].map((selector) => ({
  selector,
  message: 'A busy machine fails it: all tests have the limit of jest.config.js.',
}));

const arrows = LAYERS.slice(1).map((layer, index) => ({
  files: [`src/${layer}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+((${LAYERS.slice(0, index + 1).join('|')})/|index\\.js$)`,
            message: `src/${layer} must not know what lies above it.`,
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'results/', 'docs/', 'site/', 'node_modules/'] },
  tseslint.configs.recommended,
  {
    files: ['src/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60 }],
      // Definitions are plain objects of functions that do not use `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: ['src/play/page/**/*.ts'],
    languageOptions: {
      parserOptions: { project: './src/play/page/tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
  },
  {
    files: ['**/*.ts', '**/*.js'],
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-constant-condition': ['error', { checkLoops: 'none' }],
      'no-debugger': 'error',
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
      'no-empty': 'error',
      'no-fallthrough': 'error',
      'no-unreachable': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-escape': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Draw from a named stream (src/random/streams.ts).' },
      ],
    },
  },
  { files: KERNELS, rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  { files: ['src/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...SPREAD_ARGUMENTS] } },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Draw from a named stream (src/random/streams.ts).' },
        { object: 'Date', property: 'now', message: 'Results must not depend on the clock.' },
      ],
    },
  },
  {
    files: HOT,
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: ":function MemberExpression[object.name='Math']",
          message: 'Bind it at the top of the module: const { floor } = Math;',
        },
        ...SPREAD_ARGUMENTS,
      ],
    },
  },
  arrows,
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...TIME_LIMITS],
    },
  },
  {
    files: ['bin/**/*.js', 'scripts/**/*.js', '*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
