// Takes away what would load or navigate: links have no destination, and images are boxes with their address.
import {SKIP, visit} from 'unist-util-visit'
import {visibleFormula, visibleText} from './visible.mjs'

function span(className, value) {
  return {type: 'element', tagName: 'span', properties: {className: [className]}, children: [{type: 'text', value}]}
}

function imageBox({alt, src}) {
  const label = visibleText(String(alt ?? ''))
  const box = span('image', '')
  box.children = [span('alt', label), {type: 'text', value: ' '}, span('address', visibleText(String(src ?? '')))]
  return box
}

/** Remove what could load: KaTeX writes no such attribute unless it trusts a formula. */
function withoutAddresses(node) {
  for (const name of ['href', 'src', 'srcSet', 'xLinkHref', 'action', 'formAction', 'poster', 'data', 'target', 'ping']) {
    delete node.properties[name]
  }
}

export function rehypeInert() {
  return (tree) => {
    visit(tree, (node, index, parent) => {
      if (node.type === 'text') node.value = visibleFormula(node.value)
      if (node.type !== 'element') return undefined
      if (node.tagName === 'img') {
        parent.children[index] = imageBox(node.properties)
        return SKIP
      }
      if (node.tagName === 'a' && node.properties.href !== undefined) {
        node.properties.dataAddress = visibleText(String(node.properties.href))
        node.properties.title = node.properties.dataAddress
      }
      if (node.tagName === 'del' && node.position) node.tagName = 's' // `del` is what a comparison marks
      if (node.tagName === 'input') node.properties.ariaLabel = node.properties.checked ? 'done' : 'not done'
      withoutAddresses(node)
      return undefined
    })
  }
}
