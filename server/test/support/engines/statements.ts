import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../paths.ts';

/** A statement in the sources, with sample values in its placeholders. */
export interface SourceStatement {
  /** The file, and the beginning of the statement. */
  name: string;
  shape: RegExp;
}

/** Folders with the ClickHouse statements. They also contain statements for PostgreSQL and for the spool. */
const FOLDERS = ['warehouse', 'reports'].map((name) => `server/src/store/scale-out/${name}`);
const BEGINS = /^\s*(SELECT|INSERT|ALTER|CREATE|DROP|SET|SYSTEM|OPTIMIZE|RENAME) /;

/** The files whose statements are for newer servers only: those of reports. */
const NEWER_ONLY: readonly string[] = ['day-tables.ts', 'views.ts'];

/** Lists every statement that the sources of the ClickHouse store can emit on any server. */
export function statementsOfSources(): SourceStatement[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !NEWER_ONLY.includes(file))
      .sort()
      .flatMap((file) => statementsIn(file, readFileSync(join(root, folder, file), 'utf8'))),
  );
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

/** Returns the literal parts of a template, or null if the node is not a template. */
function partsOf(node: ts.Node): string[] | null {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node))
    return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
  return null;
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
