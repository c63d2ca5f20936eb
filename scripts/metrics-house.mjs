// `npm run metrics:house`: measures the code and the comments, for the program and for its tests.
// With `--check` it prints nothing but the limits that are exceeded, and fails on any.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';

const root = join(import.meta.dirname, '..');

const LONG_FUNCTION_LINES = 40;
const LONG_FILE_LINES = 400;
const MAX_PARAMETERS = 3;
/** Code that runs for each flow or socket passes plain parameters: an object would be allocated. */
const HOT = /^src\/(wire|agent\/kernel|agent\/collect)\/|^src\/store\/.*(native-block|encode-rows)/;
const TEST = /^test\/|\.(test|case)\.tsx?$|\/testing\.tsx?$/;
const MEASURED = /\.(ts|tsx|mjs|c|h)$/;
const LEFT_OUT = /^test\/fixtures\/|\/vmlinux\.h$/;

/** A comment that opens with a relative clause hides who does what. */
const OPENER = /^(What|Of|Who|Where|As|That)\b/;
/** Verbs of speech: in this code they stand for report, return, read, print … */
const VERB = /\b(say|says|said|saying|tell|tells|told|telling|hear|hears|heard|hearing)\b/gi;

/**
 * The limits of `--check`: the name of a figure, its value in the program's sources, and its
 * maximum.
 */
const LIMITS = [
  ['import cycles, types included', ({ cycles }) => cycles.length, 0],
  ['parameters above the maximum outside hot code', ({ wideOutside }) => wideOutside, 0],
  ['comment openers, %', ({ comments }) => percent(comments.openers, comments.count), 1],
  ['verbs of speech per 1,000 comments', ({ comments }) => perMille(comments), 15],
];

const files = trackedFiles().map(measure);
const program = summarize(files.filter(({ path }) => !TEST.test(path)));
if (process.argv.includes('--check')) check(program);
else {
  print('program', program);
  print('tests', summarize(files.filter(({ path }) => TEST.test(path))));
}

function trackedFiles() {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return listed.split('\0').filter((path) => MEASURED.test(path) && !LEFT_OUT.test(path));
}

function measure(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const lines = text.split('\n').length - 1;
  if (/\.[ch]$/.test(path)) {
    const comments = joinLineComments(commentsOfC(text), text);
    return { path, lines, comments, functions: [], casts: 0, imports: [] };
  }
  const { program, module, comments } = parseSync(path, text);
  return {
    path,
    lines,
    comments: joinLineComments(comments, text),
    imports: importsOf(path, module, text),
    ...measureProgram(program, text),
  };
}

/** Functions with a block as their body, and `as` casts other than `as const`. */
function measureProgram(program, text) {
  const functions = [];
  let casts = 0;
  const add = (node) => {
    if (node.body?.type !== 'BlockStatement') return;
    const parameters = node.params.filter(({ name }) => name !== 'this').length;
    functions.push({ lines: lineOf(text, node.end) - lineOf(text, node.start) + 1, parameters });
  };
  new Visitor({
    FunctionDeclaration: add,
    FunctionExpression: add,
    ArrowFunctionExpression: add,
    TSAsExpression({ typeAnnotation }) {
      if (text.slice(typeAnnotation.start, typeAnnotation.end) !== 'const') casts += 1;
    },
  }).visit(program);
  return { functions, casts };
}

function lineOf(text, offset) {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}

/** The files of the project that a file imports or exports from, also for types alone. */
function importsOf(path, { staticImports, staticExports, dynamicImports }, text) {
  const requests = [
    ...staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...dynamicImports.map(({ moduleRequest }) =>
      text.slice(moduleRequest.start + 1, moduleRequest.end - 1),
    ),
  ];
  const relative = requests.filter((request) => request.startsWith('.'));
  return [...new Set(relative.map((request) => normalize(join(dirname(path), request))))];
}

function commentsOfC(text) {
  const found = text.matchAll(/"(?:\\.|[^"\\])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g);
  return [...found]
    .filter(([token]) => !token.startsWith('"'))
    .map(({ 0: token, index }) => ({
      type: token.startsWith('//') ? 'Line' : 'Block',
      value: token.startsWith('//') ? token.slice(2) : token.slice(2, -2),
      start: index,
      end: index + token.length,
    }));
}

/** The texts of the comments; `//` lines that follow each other are one. Directives do not count. */
function joinLineComments(comments, text) {
  const joined = [];
  let previous;
  for (const comment of comments) {
    const between = previous === undefined ? '' : text.slice(previous.end, comment.start);
    const continues =
      previous?.type === 'Line' && comment.type === 'Line' && /^[ \t]*\n[ \t]*$/.test(between);
    if (continues) joined[joined.length - 1] += `\n${comment.value}`;
    else joined.push(comment.value);
    previous = comment;
  }
  return joined
    .map((value) => value.replace(/^[\s*]+/gm, '').trim())
    .filter((value) => value !== '' && !value.startsWith('biome-ignore'));
}

function summarize(measured) {
  const functions = measured.flatMap((file) =>
    file.functions.map((one) => ({ ...one, isHot: HOT.test(file.path) })),
  );
  const comments = measured.flatMap((file) => file.comments);
  const wide = functions.filter(({ parameters }) => parameters > MAX_PARAMETERS);
  return {
    functionLines: functions.map(({ lines }) => lines).sort((a, b) => a - b),
    fileLines: measured.map(({ lines }) => lines).sort((a, b) => a - b),
    longFiles: measured.filter(({ lines }) => lines > LONG_FILE_LINES).map(({ path }) => path),
    cycles: cyclesOf(measured),
    wideOutside: wide.filter(({ isHot }) => !isHot).length,
    wideInside: wide.filter(({ isHot }) => isHot).length,
    casts: measured.reduce((sum, file) => sum + file.casts, 0),
    comments: {
      count: comments.length,
      openers: comments.filter((comment) => OPENER.test(comment)).length,
      verbs: comments.reduce((sum, comment) => sum + (comment.match(VERB)?.length ?? 0), 0),
    },
  };
}

/** Groups of files that import each other in a circle: Tarjan's strongly connected components. */
function cyclesOf(measured) {
  const imports = new Map(measured.map((file) => [file.path, file.imports]));
  const order = new Map();
  const lowest = new Map();
  const stack = [];
  const cycles = [];
  const visit = (path) => {
    order.set(path, order.size);
    lowest.set(path, order.get(path));
    stack.push(path);
    for (const next of imports.get(path).filter((name) => imports.has(name))) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(path, Math.min(lowest.get(path), lowest.get(next)));
    }
    if (lowest.get(path) !== order.get(path)) return;
    const group = stack.splice(stack.indexOf(path));
    if (group.length > 1 || imports.get(path).includes(path)) cycles.push(group);
  };
  for (const path of imports.keys()) if (!order.has(path)) visit(path);
  return cycles;
}

function print(title, summary) {
  const { functionLines, fileLines, longFiles, cycles, comments } = summary;
  const lines = fileLines.reduce((sum, one) => sum + one, 0);
  const long = functionLines.filter((one) => one > LONG_FUNCTION_LINES).length;
  console.log(`${title}: ${fileLines.length} files, ${lines} lines
  functions: ${functionLines.length}; lines ${quantiles(functionLines)}; over ${LONG_FUNCTION_LINES}: ${long}
  files: lines ${quantiles(fileLines)}; over ${LONG_FILE_LINES}: ${longFiles.length}
  import cycles, types included: ${cycles.length}
  functions of more than ${MAX_PARAMETERS} parameters: ${summary.wideOutside}, in hot code ${summary.wideInside}
  casts: ${summary.casts}, ${((1_000 * summary.casts) / lines).toFixed(1)} per 1,000 lines
  comments: ${comments.count}; openers ${comments.openers} = ${percent(comments.openers, comments.count).toFixed(1)}%; verbs of speech ${comments.verbs} = ${perMille(comments).toFixed(0)} per 1,000`);
  for (const path of longFiles) console.log(`  over ${LONG_FILE_LINES} lines: ${path}`);
  for (const cycle of cycles) console.log(`  cycle: ${cycle.join(', ')}`);
}

function check(summary) {
  for (const [name, figure, max] of LIMITS) {
    const value = figure(summary);
    if (value <= max) continue;
    console.log(`${name}: ${value.toFixed(1)}, at most ${max}`);
    process.exitCode = 1;
  }
}

function quantiles(sorted) {
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return `median ${at(0.5)}, p90 ${at(0.9)}, max ${sorted.at(-1)}`;
}

function percent(part, whole) {
  return whole === 0 ? 0 : (100 * part) / whole;
}

function perMille({ count, verbs }) {
  return 10 * percent(verbs, count);
}
