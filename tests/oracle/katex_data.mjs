// Writes what KaTeX knows (functions, symbols, macros, environments) as JSON to standard output.
// KaTeX does not export its tables, so they are read from a copy of its bundle that does.
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'

const bundle = readFileSync(fileURLToPath(import.meta.resolve('katex')), 'utf8')
const tables = ['_functions', 'symbols', '_macros', '_environments', 'uSubsAndSups', 'unicodeAccents', 'unicodeSymbols',
  'delimiters', 'implicitCommands', 'dotsByToken', 'spaceAfterDots', 'ptPerUnit', 'relativeUnit']
const folder = mkdtempSync(join(tmpdir(), 'katex-'))
const copy = join(folder, 'katex.mjs')
writeFileSync(copy, `${bundle}\nexport {${tables.join(', ')}};\n`)
const katex = await import(pathToFileURL(copy))
rmSync(folder, {recursive: true})
console.warn = console.error = () => {}
const log = console.log
console.log = () => {}

const sorted = (object) => Object.fromEntries(Object.keys(object).sort().map((key) => [key, object[key]]))

// A row: type, required arguments, optional arguments, types of arguments, flags.
function functionRow({type, numArgs, numOptionalArgs, argTypes, ...spec}) {
  const flags = (spec.allowedInArgument ? 'a' : '') + (spec.allowedInText ? 't' : '') +
    (spec.allowedInMath === false ? '' : 'm') + (spec.infix ? 'i' : '') + (spec.primitive ? 'p' : '')
  return [type, numArgs, numOptionalArgs ?? 0, argTypes ?? [], flags]
}

function symbolGroups(mode) {
  const groups = {}
  for (const [name, {group}] of Object.entries(katex.symbols[mode])) (groups[group] ??= []).push(name)
  for (const names of Object.values(groups)) names.sort()
  return sorted(groups)
}

const renders = (tex, options) => {
  try {
    return !katex.default.renderToString(tex, {errorColor: '#cc0a0b', ...options}).includes('#cc0a0b')
  } catch {
    return false
  }
}

// A plain command needs no argument, works as an atom wherever math mode allows one, and expands to so little that
// a short formula stays below the limit of expansions.
const surroundings = ['%', 'a%b', '{%}', 'a^{%}', '%^2_3', '%_{a}^{b}', '%%', '\\frac{%}{%}', '\\left(%\\right)',
  '\\sqrt{%}', '(%)', '%,%', '%[a]', '%*', '%\\dots', '\\dots%', '%\\alpha', '%\\sqrt{a}',
  '%\\text{a}', '\\begin{matrix}%&%\\\\%\\end{matrix}']
function isPlain(name) {
  return surroundings.every((around) => {
    const tex = around.replace(/%/g, () => `${name} `)
    return [false, true].every((displayMode) => renders(tex, {displayMode}))
  }) && renders(`${name} `.repeat(10), {maxExpand: 19 * name.length})
}

const names = Object.keys({...katex._functions, ...katex.symbols.math, ...katex._macros})
const plain = [...new Set(names)].filter((name) => /^\\(?:[A-Za-z]+|[,;:! |{}])$/.test(name) && isPlain(name)).sort()

// Of these, some also work as a script without braces: `x^\alpha`, but not `x^\sum`.
const scripts = plain.filter((name) => renders(`a^${name} `) && renders(`a_${name} ^2`))

// One entry a line, so that a new version of KaTeX shows what it changes.
const lines = (object) => Object.entries(object).map(([key, value]) =>
  `${JSON.stringify(key)}: ${typeof value === 'object' && !Array.isArray(value)
    ? '{\n' + Object.entries(value).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)}`).join(',\n') + '\n}'
    : JSON.stringify(value)}`).join(',\n')

log('{\n' + lines({
  version: katex.version,
  functions: sorted(Object.fromEntries(Object.entries(katex._functions).map(([name, spec]) => [name, functionRow(spec)]))),
  environments: sorted(Object.fromEntries(Object.entries(katex._environments)
    .map(([name, spec]) => [name, [spec.numArgs, spec.numOptionalArgs ?? 0, spec.argTypes ?? []]]))),
  symbols: {math: symbolGroups('math'), text: symbolGroups('text')},
  // Macros that are programs are null here.
  macros: sorted(Object.fromEntries(Object.entries(katex._macros)
    .map(([name, body]) => [name, typeof body === 'string' ? body : null]))),
  // Characters of the AMS font, which has neither bold nor italic letters.
  ams: Object.fromEntries(['math', 'text'].map((mode) => [mode, Object.keys(katex.symbols[mode])
    .filter((name) => katex.symbols[mode][name].font === 'ams' && katex.symbols[mode][name].group === 'textord').sort()])),
  delimiters: [...katex.delimiters].sort(),
  unicode_scripts: sorted(katex.uSubsAndSups),
  accents: sorted(katex.unicodeAccents),
  accented: sorted(katex.unicodeSymbols),
  implicit: Object.keys(katex.implicitCommands).sort(),
  dots: sorted(katex.dotsByToken),
  space_after_dots: Object.keys(katex.spaceAfterDots).sort(),
  units: [...Object.keys(katex.ptPerUnit), ...Object.keys(katex.relativeUnit)].sort(),
  plain,
  scripts_without_braces: scripts,
}) + '\n}')
