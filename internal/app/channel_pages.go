package app

// channelPages are the pages about channels, and what their forms ask for.
func (a *App) channelPages() []route { return nil }
