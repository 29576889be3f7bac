import { Module } from '@nestjs/common';
import { ChatGateway } from './chat.gateway.js';
import { RoomsService } from './rooms.service.js';
import { SlowdownService } from './slowdown.service.js';

@Module({ providers: [ChatGateway, RoomsService, SlowdownService] })
export class ChatModule {}
