"""What every layer's outside needs: processes, serving, Postgres, supervision, retries, progress.

It knows no layer.
"""
