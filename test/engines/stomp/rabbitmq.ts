import { findRabbitMq } from '../../../examples/rabbitmq-rooms/rabbitmq-node.js';

/**
 * Options of a test that needs RabbitMQ: skipped with a reason where it is not installed, except in CI, which must
 * prove the engine against a real broker and so lets it fail.
 */
export const needsRabbitMq: { skip: string | false } = {
  skip:
    findRabbitMq() === null && process.env.CI === undefined
      ? 'RabbitMQ is not installed ("apt-get install rabbitmq-server")'
      : false,
};

export const rabbitMqLogin = { login: 'guest', passcode: 'guest' };
