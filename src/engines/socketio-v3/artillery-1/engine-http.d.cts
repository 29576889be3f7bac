declare class EngineHttp {}

export = EngineHttp;
