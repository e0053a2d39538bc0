import katex from 'katex'

// KaTeX warns of every odd character; a caller that does not drain stderr would block on it.
console.warn = console.error = console.log = () => {}

// Nobody writes this color. KaTeX uses it for a command that it shows in red without raising an error.
const errorColor = '#cc0a0b'

// What rehype-katex does first. It renders a second time, with the error shown, only if this raises an error.
function check({tex, display}) {
  try {
    const html = katex.renderToString(tex, {displayMode: display, throwOnError: true, errorColor})
    return html.includes(errorColor) ? 'a command that is not trusted' : null
  } catch (error) {
    return error.rawMessage ?? String(error)
  }
}

let rest = ''
for await (const chunk of process.stdin.setEncoding('utf8')) {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop()
  process.stdout.write(lines.map((line) => JSON.stringify({error: check(JSON.parse(line))}) + '\n').join(''))
}
if (rest.trim()) process.stdout.write(JSON.stringify({error: check(JSON.parse(rest))}) + '\n')
