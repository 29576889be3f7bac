/** What stands in a changelog under the heading of a version, or null when it has none. Headings: `## 1.2.3 (2027-01-31)`. */
export const releaseNotes = (changelog: string, version: string): string | null => {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split(/[\s(]/)[0] === version);
  if (section === undefined) return null;
  return section.slice(section.indexOf('\n') + 1).trim();
};

export type ReleaseFacts = {
  tag: string;
  /** In package.json, and in package-lock.json. */
  version: string;
  locked: string;
  changelog: string;
};

/** Why this tag must not be released now: one sentence each. */
export const releaseProblems = ({ tag, version, locked, changelog }: ReleaseFacts): string[] => {
  const heading = new RegExp(`^## ${version.replaceAll('.', '\\.')} \\(\\d{4}-\\d{2}-\\d{2}\\)$`, 'm');
  return [
    ...(tag === `v${version}` ? [] : [`The tag is ${tag}, and package.json says ${version}.`]),
    ...(locked === version ? [] : [`package-lock.json says ${locked}, and package.json ${version}.`]),
    ...(heading.test(changelog) ? [] : [`CHANGELOG.md has no heading "## ${version} (YYYY-MM-DD)".`]),
    ...(releaseNotes(changelog, version) === '' ? [`CHANGELOG.md says nothing under ${version}.`] : []),
  ];
};
