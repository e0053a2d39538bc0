// Builds the preview frame: node build.mjs [FOLDER]. The packages are those of tests/oracle, so that the preview renders
// with the versions that the tests compare with. The same packages give the same bytes, wherever they are.
import {mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join, resolve} from 'node:path'
import {fileURLToPath} from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../../../..')
const oracle = join(root, 'tests/oracle')
const outdir = resolve(process.argv[2] ?? join(root, 'qtgen/review/web/static/preview'))
const esbuild = createRequire(join(oracle, 'package.json'))('esbuild')

// Every browser that runs the app reads WOFF2.
const woff2Only = {
  name: 'woff2-only',
  setup(build) {
    build.onLoad({filter: /katex\.min\.css$/}, ({path}) => ({
      contents: readFileSync(path, 'utf8').replace(/,url\([^)]*\) format\("(?:woff|truetype)"\)/g, ''),
      loader: 'css',
    }))
  },
}

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

rmSync(outdir, {recursive: true, force: true})
const {metafile} = await esbuild.build({
  absWorkingDir: root,
  entryPoints: [join(here, 'preview.mjs')],
  outdir,
  bundle: true,
  minify: true,
  format: 'iife', // a module would need the right to be read from the origin of the frame, which is opaque
  target: 'es2022',
  charset: 'utf8',
  // Builds for browsers parse HTML with DOMParser, which the Content Security Policy of the frame rejects.
  platform: 'neutral',
  mainFields: ['module', 'main'],
  conditions: ['import', 'default'],
  define: {'process.env.NODE_ENV': '"production"'},
  loader: {'.woff2': 'file'},
  assetNames: 'fonts/[name]',
  legalComments: 'none', // licenses.txt contains them
  nodePaths: [join(oracle, 'node_modules')],
  plugins: [woff2Only],
  metafile: true,
  logLevel: 'warning',
})
writeFileSync(join(outdir, 'licenses.txt'), licenses(Object.keys(metafile.inputs)))

/** Return the folders of the packages whose files are in the bundle. */
function packagesOf(inputs) {
  const folders = new Set()
  for (const input of inputs) {
    const parts = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (parts) folders.add(resolve(root, parts[1]))
  }
  return [...folders]
}

/** Return the text of a package's license. A few packages contain only its name. */
function licenseOf(folder, {name, license, author}) {
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry))
  if (file) return readFileSync(join(folder, file), 'utf8').trim()
  if (license !== 'MIT') throw new Error(`${name} contains no license`)
  const holder = (author?.name ?? author ?? `The authors of ${name}`).replace(/ <.*/, '')
  return `MIT License\n\nCopyright (c) ${holder}\n\n${MIT}`
}

function licenses(inputs) {
  const texts = packagesOf(inputs).map((folder) => {
    const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const {name, version, license} = about
    const text = licenseOf(folder, about)
    return `${name} ${version} (${license})\n\n${text}\n`
  })
  const rule = `\n${'-'.repeat(80)}\n\n`
  return `The preview contains these packages.\n${rule}${texts.sort().join(rule)}`
}
