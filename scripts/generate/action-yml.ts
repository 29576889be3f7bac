import { stringify } from 'yaml';
import { inputDefinitions, outputDefinitions } from '../../src/settings/inputs.ts';

/** The text of `action.yml`. */
export const renderActionYml = (): string => {
  const action = {
    name: 'Tailgate',
    description: 'Gates pull requests on the performance of realtime servers: Socket.IO, WebSocket and STOMP',
    branding: { icon: 'activity', color: 'orange' },
    inputs: Object.fromEntries(
      inputDefinitions.map((input) => [
        input.name,
        {
          description: input.description,
          required: false,
          ...(input.default !== undefined && { default: input.default }),
        },
      ]),
    ),
    outputs: Object.fromEntries(
      outputDefinitions.map((output) => [output.name, { description: output.description }]),
    ),
    runs: { using: 'node24', main: 'dist/action.js', post: 'dist/post.js' },
  };
  return `# Generated from src/settings/inputs.ts by scripts/generate-readme-tables.ts.\n${stringify(action, { lineWidth: 0 })}`;
};
