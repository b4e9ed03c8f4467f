package app

// channelRoutes are those by which the API tells of channels, and lets people change them.
func (a *App) channelRoutes() []route { return nil }
