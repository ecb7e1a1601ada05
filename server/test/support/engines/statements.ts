import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../paths.ts';

/** A statement as the sources have it: what is put into its template may be anything. */
export interface SourceStatement {
  /** The file and the beginning of the statement. */
  name: string;
  shape: RegExp;
}

const FOLDER = 'server/src/store/clickhouse';
const BEGINS = /^\s*(SELECT|INSERT|ALTER|CREATE|DROP|SET|SYSTEM|OPTIMIZE|RENAME) /;

/** Every statement that the sources of the ClickHouse store can emit. */
export function statementsOfSources(): SourceStatement[] {
  return readdirSync(join(root, FOLDER), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .flatMap((file) => statementsIn(file, readFileSync(join(root, FOLDER, file), 'utf8')));
}

function statementsIn(file: string, source: string): SourceStatement[] {
  const found: SourceStatement[] = [];
  const visit = (node: ts.Node): void => {
    const parts = partsOf(node);
    if (parts !== null && BEGINS.test(parts[0] ?? ''))
      found.push({
        name: `${file}: ${parts.join('…').replaceAll(/\s+/g, ' ').slice(0, 80)}`,
        shape: new RegExp(`^${parts.map(literally).join('[^]*')}$`),
      });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true));
  return found;
}

/** The texts around what is put in, null for what is no text. */
function partsOf(node: ts.Node): string[] | null {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node))
    return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
  return null;
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
