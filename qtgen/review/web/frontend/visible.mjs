// Shows control and direction characters as escapes, such as U+202E.
import {SKIP, visitParents} from 'unist-util-visit-parents'

const UNSEEN =
  /[\0-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}\p{Cs}]/gu
// KaTeX itself writes zero-width spaces and invisible operators. These are what it has from the formula only.
const DIRECTIONS = /[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\u{e0000}-\u{e007f}\p{Cs}]/gu

function escapeOf(char) {
  return `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** Return a text for an attribute. */
export function visibleText(text) {
  return text.replace(UNSEEN, escapeOf)
}

/** Return a text of a formula. */
export function visibleFormula(text) {
  return text.replace(DIRECTIONS, escapeOf)
}

function nodesOf(text) {
  const nodes = []
  let done = 0
  for (const {0: char, index} of text.matchAll(UNSEEN)) {
    if (index > done) nodes.push({type: 'text', value: text.slice(done, index)})
    nodes.push({
      type: 'element',
      tagName: 'span',
      properties: {className: ['unseen']},
      children: [{type: 'text', value: escapeOf(char)}],
    })
    done = index + char.length
  }
  if (done < text.length) nodes.push({type: 'text', value: text.slice(done)})
  return nodes
}

function isMath({properties}) {
  const names = properties?.className
  return Array.isArray(names) && names.some((name) => ['math-inline', 'math-display', 'language-math'].includes(name))
}

export function rehypeVisible() {
  return (tree) => {
    visitParents(tree, (node, ancestors) => {
      if (node.type === 'raw') node.type = 'text' // react-markdown does the same later
      if (node.type !== 'text' || node.value.search(UNSEEN) < 0) return undefined
      const parent = ancestors.at(-1)
      const index = parent.children.indexOf(node)
      const nodes = nodesOf(node.value)
      parent.children.splice(index, 1, ...nodes)
      if (isMath(parent)) parent.properties.className = ['tex'] // KaTeX would show the character
      return [SKIP, index + nodes.length]
    })
  }
}
