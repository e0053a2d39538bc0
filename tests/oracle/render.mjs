import {createElement} from 'react'
import {renderToStaticMarkup} from 'react-dom/server'
import Markdown from 'react-markdown'
import rehypeKatex from 'rehype-katex'
import remarkGfm from 'remark-gfm'
import remarkMath from 'remark-math'
import {visit} from 'unist-util-visit'

// KaTeX warns of every odd sign; a caller that does not drain stderr would block on it.
console.warn = () => {}

const blocks = new Set(['root', 'blockquote', 'list', 'listItem', 'table', 'tableRow', 'footnoteDefinition'])

// Raw HTML is text, for so it is shown. What is left out leaves a space, or its neighbours would make new marks.
function visibleText({type, value, children}) {
  if (children) return children.map(visibleText).join(blocks.has(type) ? '\n' : '')
  if (type === 'text' || type === 'html') return value
  return type === 'break' ? '\n' : ' '
}

// A plugin, so that what is told is the very tree that is rendered: a second parse would halve the speed.
const gatherMarkdown = (found) => (tree) => {
  found.text = visibleText(tree)
  visit(tree, ({type, value}) => {
    if (type === 'math' || type === 'inlineMath') found.math.push({tex: value, display: type === 'math'})
    else if (type === 'code' || type === 'inlineCode') found.code.push(value)
    else if (type === 'html') found.html_nodes.push(value)
    else if (type === 'strong') found.strong++
  })
}

// A command KaTeX does not know is shown in red without the class .katex-error; only its message tells.
const gatherErrors = (found) => (tree, file) => {
  found.katex_messages = file.messages.map(({cause, reason}) => cause?.message ?? reason)
  visit(tree, {tagName: 'span'}, ({properties, children}) => {
    if (properties.className?.includes('katex-error')) {
      found.katex_errors.push(children.map(({value}) => value).join(''))
    }
  })
}

function render(answer) {
  const found = {katex_errors: [], katex_messages: [], math: [], text: '', code: [], html_nodes: [], strong: 0}
  const html = renderToStaticMarkup(createElement(Markdown, {
    remarkPlugins: [remarkMath, remarkGfm, [gatherMarkdown, found]],
    rehypePlugins: [rehypeKatex, [gatherErrors, found]],
    children: answer.replace(/\\n/g, '\n'),
  }))
  return {html, ...found}
}

function reply(line) {
  let id = null
  try {
    const item = JSON.parse(line)
    id = item.id ?? null
    return {id, ...render(item.answer)}
  } catch (error) {
    return {id, error: String(error)}
  }
}

// Not readline: it also breaks lines at U+2028, which JSON allows inside a string.
let rest = ''
for await (const chunk of process.stdin.setEncoding('utf8')) {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop()
  lines.forEach(answer)
}
answer(rest)

function answer(line) {
  if (line.trim()) process.stdout.write(JSON.stringify(reply(line)) + '\n')
}
