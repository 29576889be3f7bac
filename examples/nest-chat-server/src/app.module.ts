import { Module } from '@nestjs/common';
import { AuthModule } from './auth/auth.module.js';
import { ChatModule } from './chat/chat.module.js';
import { HealthController } from './health.controller.js';

@Module({ imports: [AuthModule, ChatModule], controllers: [HealthController] })
export class AppModule {}
