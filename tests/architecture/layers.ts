/**
 * Who may import whom, and what a core may never touch. The table is the one of `docs/ARCHITECTURE.md`; whatever it
 * does not name is forbidden.
 */
import ts from 'typescript';

export interface Layer {
  /** Packages that may be imported; `@scope/*` names a whole scope. */
  readonly imports: readonly string[];
  /** Packages of which only types may be imported. */
  readonly typeImports?: readonly string[];
  /** Where `node:` modules may be imported, as a path prefix inside the package. Absent: nowhere. */
  readonly nodeUnder?: string;
  /** Single files that may, too. */
  readonly nodeFiles?: readonly string[];
  /** True for the libs that know neither clock, chance, timer, socket nor file. */
  readonly core?: boolean;
}

const CORES = ['io', 'raft', 'lsm', 'gossip', 'query', 'wire', 'store', 'client'];
const lib = (name: string): string => `@holdfast/${name}`;
const libs = (...names: readonly string[]): string[] => names.map(lib);

const EVERY_LIB = libs(...CORES, 'io-node', 'lsm-node', 'level', 'telemetry', 'service', 'sim');

export const LAYERS: Readonly<Record<string, Layer>> = {
  'libs/io': { core: true, imports: [] },
  'libs/raft': { core: true, imports: libs('io') },
  'libs/lsm': { core: true, imports: libs('io') },
  'libs/gossip': { core: true, imports: libs('io') },
  'libs/query': { core: true, imports: libs('io') },
  'libs/wire': { core: true, imports: [...libs('io'), 'flatbuffers'], typeImports: libs('raft', 'gossip') },
  'libs/store': { core: true, imports: libs('io', 'raft', 'lsm', 'gossip', 'query', 'wire') },
  // Its `src/node/` joins the client to Node.
  'libs/client': { core: true, imports: libs('io', 'wire'), nodeUnder: 'src/node/' },
  'libs/io-node': { imports: libs('io'), nodeUnder: 'src/' },
  'libs/lsm-node': { imports: [...libs('io', 'lsm', 'io-node'), 'lz4-napi'], nodeUnder: 'src/' },
  'libs/level': {
    imports: [...libs('io', 'lsm', 'io-node', 'lsm-node'), 'abstract-level'],
    nodeUnder: 'src/',
  },
  'libs/telemetry': {
    imports: [...libs('io'), '@opentelemetry/*', 'pino', 'pino-roll'],
    nodeUnder: 'src/',
  },
  'libs/service': { imports: [...libs('telemetry', 'wire'), 'fastify', 'zod'], nodeUnder: 'src/' },
  // What a run takes from its host: V8's queue of microtasks is emptied between two events; native checksums.
  'libs/sim': {
    imports: libs(...CORES),
    nodeUnder: 'src/bin/',
    nodeFiles: ['src/world/drain-microtasks.ts', 'src/world/host-kernels.ts'],
  },
};

/** Apps stand above every lib and are composed with whatever packages they declare; they never import each other. */
const APP: Layer = { imports: [...EVERY_LIB, '*'], nodeUnder: 'src/' };

/** The published `connect` joins the client to Node; it is the only file of a core that may know `io-node`. */
const CONNECT_FOLDER = 'src/node/';
const CONNECT_IMPORT = lib('io-node');

export const FILE_LINES_MAX = 500;

/** Free names and members that would let real time, chance or the process into a core. */
const BANNED_NAMES = new Set([
  'Buffer',
  'console',
  'performance',
  'process',
  'setImmediate',
  'setInterval',
  'setTimeout',
]);
const BANNED_MEMBERS = new Set(['Date.now', 'Math.random']);

interface SourceFile {
  /** Path from the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface PackageFacts {
  /** `libs/raft`, `apps/gateway`. */
  readonly folder: string;
  readonly dependencies: readonly string[];
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What one file says that matters here. */
interface Reading {
  readonly imports: readonly Import[];
  readonly banned: readonly { readonly name: string; readonly line: number }[];
  readonly reexports: boolean;
  readonly defaultExport: boolean;
}

/** Specs, benchmarks, and whatever stands beside `src`: they compose freely, and no build contains them. */
export function isTestCode(path: string): boolean {
  return /\.(spec|bench)\.ts$/.test(path) || path.split('/')[2] !== 'src';
}

function isGenerated(path: string): boolean {
  return path.includes('/generated/');
}

function layerOf(folder: string): Layer | undefined {
  return folder.startsWith('apps/') ? APP : LAYERS[folder];
}

/** Every violation in one file, as lines a person can act on. */
export function violationsOf(file: SourceFile, owner: PackageFacts): string[] {
  const layer = layerOf(owner.folder);
  if (layer === undefined) return [`${file.path}: ${owner.folder} is not in the table of layers`];
  const inside = file.path.slice(owner.folder.length + 1);
  const reading = read(file);
  const found: string[] = [];
  const report = (line: number, text: string): void => void found.push(`${file.path}:${line}: ${text}`);

  for (const { specifier, typeOnly, line } of reading.imports) {
    if (specifier.startsWith('.')) {
      if (leavesPackage(inside, specifier)) report(line, `${specifier} leaves the package`);
    } else if (!isTestCode(file.path)) {
      const problem = importProblem(specifier, typeOnly, inside, owner, layer);
      if (problem !== undefined) report(line, problem);
    }
  }
  if (isGenerated(file.path)) return found;

  const lines = file.text.split('\n').length - 1;
  if (lines > FILE_LINES_MAX) report(lines, `longer than ${FILE_LINES_MAX} lines`);
  if (layer.core === true && !isTestCode(file.path)) {
    for (const { name, line } of reading.banned) report(line, `${name} does not exist for a core`);
  }
  if (owner.folder.startsWith('libs/') && inside.startsWith('src/')) {
    if (reading.defaultExport) report(1, 'a default export');
    if (inside !== 'src/index.ts' && /(^|\/)index\.ts$/.test(inside)) report(1, 'an index.ts below src');
    if (inside !== 'src/index.ts' && reading.reexports)
      report(1, 're-exports: src/index.ts is the only barrel');
  }
  return found;
}

function importProblem(
  specifier: string,
  typeOnly: boolean,
  inside: string,
  owner: PackageFacts,
  layer: Layer,
): string | undefined {
  if (specifier.startsWith('node:')) {
    if (layer.nodeUnder !== undefined && inside.startsWith(layer.nodeUnder)) return undefined;
    if (layer.nodeFiles?.includes(inside) === true) return undefined;
    return `${specifier} is out of reach here`;
  }
  const name = packageNameOf(specifier);
  const connects =
    owner.folder === 'libs/client' && inside.startsWith(CONNECT_FOLDER) && name === CONNECT_IMPORT;
  const allowed =
    connects || matches(layer.imports, name) || (typeOnly && matches(layer.typeImports ?? [], name));
  if (!allowed) {
    return matches(layer.typeImports ?? [], name)
      ? `only types may come from ${name}`
      : `${owner.folder} may not import ${name}`;
  }
  return owner.dependencies.includes(name) ? undefined : `${name} is not in dependencies of ${owner.folder}`;
}

function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    if (pattern === '*') return !name.startsWith('@holdfast/');
    return pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  });
}

/** `@scope/name/deep` and `name/deep` without what follows the name. */
function packageNameOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function leavesPackage(inside: string, specifier: string): boolean {
  let depth = inside.split('/').length - 1;
  for (const part of specifier.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

export function read(file: SourceFile): Reading {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ESNext, true);
  const imports: Import[] = [];
  const banned: { name: string; line: number }[] = [];
  let reexports = false;
  let defaultExport = false;
  const lineOf = (node: ts.Node): number => source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  const imported = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      imports.push({ specifier: specifier.text, typeOnly, line: lineOf(specifier) });
    }
  };

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      imported(node.moduleSpecifier, isTypeOnlyImport(node));
    } else if (ts.isExportDeclaration(node)) {
      imported(node.moduleSpecifier, node.isTypeOnly);
      if (node.moduleSpecifier !== undefined) reexports = true;
      if (node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
        defaultExport ||= node.exportClause.elements.some((element) => element.name.text === 'default');
      }
    } else if (ts.isExportAssignment(node)) {
      defaultExport = true;
    } else if (node.kind === ts.SyntaxKind.DefaultKeyword && ts.isStatement(node.parent)) {
      defaultExport = true;
    } else if (ts.isImportTypeNode(node)) {
      imported(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      imported(node.arguments[0], false);
    } else {
      const name = bannedName(node);
      if (name !== undefined) banned.push({ name, line: lineOf(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { imports, banned, reexports, defaultExport };
}

function isTypeOnlyImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly);
}

function bannedName(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const member = `${node.expression.text}.${node.name.text}`;
    return BANNED_MEMBERS.has(member) ? member : undefined;
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'Date') {
    return (node.arguments?.length ?? 0) === 0 ? 'new Date()' : undefined;
  }
  if (!ts.isIdentifier(node) || !BANNED_NAMES.has(node.text)) return undefined;
  const { parent } = node;
  const isUse =
    ((ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent)) &&
      parent.expression === node) ||
    ((ts.isCallExpression(parent) || ts.isNewExpression(parent)) &&
      (parent.expression === node || (parent.arguments ?? []).some((argument) => argument === node))) ||
    (ts.isVariableDeclaration(parent) && parent.initializer === node) ||
    ts.isTypeReferenceNode(parent);
  return isUse ? node.text : undefined;
}
