import type { VNode } from 'preact';
import { NAME_MAX_CHARS } from '../../app/inputs.ts';
import { Card, Notice } from '../kit/elements.tsx';
import { ButtonForm, Form } from '../kit/form.tsx';
import type { SitePageRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import type { SavedData, SavedItem } from './data.ts';
import { NOTHING_TYPED, SaveForm, type TypedSaved, Words } from './menu.tsx';
import { SAVED_TEXT } from './text.ts';

export interface SavedPageData extends SavedData {
  /** What is wrong with a form of the page. */
  problem?: string;
  typed?: TypedSaved;
}

/** Creates the page where saved queries are renamed, updated and deleted. */
export function savedPage(request: SitePageRequest, data: SavedPageData): string {
  const { kind, items, current, place, problem, typed = NOTHING_TYPED } = data;
  const { text } = kind;
  return siteDocument(request, {
    title: text.title,
    here: place.tab,
    children: (
      <>
        <p>
          <a href={place.href}>{SAVED_TEXT.back[place.tab]}</a>
        </p>
        <h2>{text.title}</h2>
        <p class="lead">{text.lead}</p>
        {problem !== undefined && <Notice kind="wrong">{problem}</Notice>}
        {current === null ? (
          <p class="hint">{text.none}</p>
        ) : (
          items.every(({ isActive }) => !isActive) && (
            <Card title={text.save} id="save">
              <SaveForm data={data} typed={typed} />
            </Card>
          )
        )}
        {items.length === 0 && <p class="hint empty">{SAVED_TEXT.nothing}</p>}
        <SavedList
          {...{ data, id: 'team', title: SAVED_TEXT.team, hint: SAVED_TEXT.teamHint }}
          items={items.filter(({ saved }) => saved.accountId === null)}
        />
        <SavedList
          {...{ data, id: 'own', title: SAVED_TEXT.own }}
          items={items.filter(({ saved }) => saved.accountId !== null)}
        />
      </>
    ),
  });
}

function SavedList({
  data,
  id,
  title,
  hint,
  items,
}: {
  data: SavedData;
  id: string;
  title: string;
  hint?: string;
  items: readonly SavedItem[];
}): VNode | null {
  if (items.length === 0) return null;
  return (
    <Card title={title} id={id}>
      {hint !== undefined && <p class="hint">{hint}</p>}
      <ul class="saved">
        {items.map((item) => (
          <li>
            <Saved data={data} item={item} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Saved({ data, item }: { data: SavedData; item: SavedItem }): VNode {
  const { saved, href, isActive, mayChange, words, problem } = item;
  return (
    <>
      <h3>
        {problem === null ? (
          <a href={href}>
            <bdi>{saved.name}</bdi>
          </a>
        ) : (
          <bdi>{saved.name}</bdi>
        )}
        {isActive && <span class="hint"> {SAVED_TEXT.current}</span>}
      </h3>
      <Words words={words} />
      {problem !== null && (
        <Notice kind="wrong">
          {SAVED_TEXT.unusable} <bdi>{problem}</bdi>
        </Notice>
      )}
      {mayChange && <Changes data={data} item={item} />}
    </>
  );
}

/** The forms that change a saved query. */
function Changes({ data, item }: { data: SavedData; item: SavedItem }): VNode {
  const { kind, frame, path, back, current } = data;
  const { id, name } = item.saved;
  const hidden = { id, query: back };
  return (
    <div class="saved-changes">
      <Form frame={frame} action={`${path}/change`} hidden={hidden}>
        <input
          name="name"
          aria-label={SAVED_TEXT.nameOf(name)}
          value={name}
          required
          maxLength={NAME_MAX_CHARS}
          autocomplete="off"
        />
        <button type="submit" class="small">
          {SAVED_TEXT.rename}
          <span class="visually-hidden"> {name}</span>
        </button>
      </Form>
      {current !== null && !item.isActive && (
        <ButtonForm
          {...{ frame, hidden: { ...hidden, current: 'yes' }, about: name }}
          action={`${path}/change`}
          label={kind.text.update}
        />
      )}
      <ButtonForm {...{ frame, hidden, about: name }} action={`${path}/remove`} label={SAVED_TEXT.delete} />
    </div>
  );
}
