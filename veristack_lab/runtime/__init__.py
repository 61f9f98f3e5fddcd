"""What every layer's outside needs: child processes, paths, progress, time, migrations, claims."""
