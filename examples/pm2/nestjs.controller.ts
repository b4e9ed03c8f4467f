// The same for NestJS, without another package. With @nestjs/terminus the path and the statuses are the same.
import { Controller, Get, Header, Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';

@Injectable()
export class Database {
  async ping(): Promise<void> {
    // such as: await this.dataSource.query('SELECT 1');
  }
}

@Controller('health')
export class HealthController {
  private readonly logger = new Logger(HealthController.name);

  constructor(private readonly database: Database) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  async health(): Promise<{ status: string }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), 2000);
    });
    try {
      await Promise.race([this.database.ping(), late]);
    } catch (error) {
      this.logger.error(error);
      throw new ServiceUnavailableException({ status: 'error' });
    } finally {
      clearTimeout(timer);
    }
    return { status: 'ok' };
  }
}
