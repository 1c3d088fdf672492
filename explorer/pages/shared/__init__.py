"""What several pages use: pickers, links, navigation, downloads, charts."""
