"""What a class needs: checks that raise, exercises that answer."""
