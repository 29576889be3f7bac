import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { type DefaultTreeAdapterMap, parse, parseFragment } from 'parse5';

type Node = DefaultTreeAdapterMap['node'];
type Element = DefaultTreeAdapterMap['element'];

const isElement = (node: Node): node is Element => 'tagName' in node;
const childrenOf = (node: Node): Node[] => ('childNodes' in node ? (node.childNodes as Node[]) : []);

export type PageElement = { tag: string; attributes: Record<string, string>; text: string };

/** What a reader's browser makes of a page. */
export type Page = {
  elements: PageElement[];
  /** Text outside of code, where GitHub acts on mentions, references and addresses. */
  liveText: string[];
  /** All text. */
  text: string;
  /** Cells per row, table by table. */
  tables: number[][];
  comments: string[];
};

const textOf = (node: Node): string => ('value' in node ? node.value : childrenOf(node).map(textOf).join(''));

const walk = (root: Node): Page => {
  const page: Page = { elements: [], liveText: [], text: textOf(root), tables: [], comments: [] };
  const visit = (node: Node, inCode: boolean): void => {
    if (node.nodeName === '#comment') page.comments.push((node as { data: string }).data);
    if (node.nodeName === '#text' && !inCode) page.liveText.push((node as { value: string }).value);
    if (isElement(node)) {
      page.elements.push({
        tag: node.tagName,
        attributes: Object.fromEntries(node.attrs.map((attribute) => [attribute.name, attribute.value])),
        text: textOf(node),
      });
      if (node.tagName === 'table') page.tables.push([]);
      if (node.tagName === 'tr') page.tables.at(-1)?.push(childrenOf(node).filter(isElement).length);
    }
    const code =
      inCode || (isElement(node) && ['code', 'pre', 'style', 'script', 'title'].includes(node.tagName));
    for (const child of childrenOf(node)) visit(child, code);
  };
  visit(root, false);
  return page;
};

/** GitHub Flavored Markdown as HTML, with raw HTML let through so that an injected tag would show. */
export const markdownHtml = (markdown: string): string =>
  micromark(markdown, {
    allowDangerousHtml: true,
    allowDangerousProtocol: true,
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
  });

export const markdownPage = (markdown: string): Page => walk(parseFragment(markdownHtml(markdown)));

export const htmlDocument = (html: string): Page => walk(parse(html));
